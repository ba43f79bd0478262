#pragma once
#include <mysql.h>
#include <errmsg.h>

/* A cast, which Swift cannot import. mysql_net_read_packet returns it as an unsigned long: it is
   0xFFFFFFFF there, not ~0UL. */
static inline unsigned long martlet_mysql_packet_error(void) { return packet_error; }

/* Sends a command whose answer is read with mysql_net_read_packet. 0 when it was sent. */
static inline int martlet_mysql_send_command(
    MYSQL *mysql, int command, const unsigned char *payload, size_t length) {
    return mysql->methods->db_command(
        mysql, (enum enum_server_command)command, (const char *)payload, length, 1, 0);
}

/* The packet that mysql_net_read_packet has just read; valid until the next one. */
static inline const unsigned char *martlet_mysql_packet(const MYSQL *mysql) {
    return mysql->net.read_pos;
}

/* What went wrong while no MYSQL exists to ask. */
static inline size_t martlet_mysql_library_version(void) {
    size_t version = 0;
    mariadb_get_info(0, MARIADB_CLIENT_VERSION_ID, &version);
    return version;
}
