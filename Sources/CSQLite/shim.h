#pragma once
#include <sqlite3.h>

/* SQLITE_TRANSIENT and SQLITE_STATIC are casts, which Swift cannot import. */
static inline sqlite3_destructor_type martlet_sqlite_transient(void) { return SQLITE_TRANSIENT; }
static inline sqlite3_destructor_type martlet_sqlite_static(void) { return SQLITE_STATIC; }

/* sqlite3_db_config is variadic, which Swift cannot call. Triggers of the target's tables must not
   fire for replicated rows, and a misspelt "column" must not become a string. */
static inline int martlet_sqlite_pin(sqlite3 *db) {
    int rc = sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, (int *)0);
    if (rc == SQLITE_OK) rc = sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, (int *)0);
    return rc;
}

/* Makes every earlier commit of the write-ahead log durable: with synchronous=NORMAL a commit only
   writes the log. SQLITE_OK without a journal file. */
static inline int martlet_sqlite_sync_log(sqlite3 *db) {
    sqlite3_file *file = 0;
    int rc = sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file);
    if (rc != SQLITE_OK || !file || !file->pMethods) return rc;
    return file->pMethods->xSync(file, SQLITE_SYNC_NORMAL);
}

/* For a connection that runs expressions only: no slots of memory of its own, no strings that were
   meant to be columns, no functions that reach out of it. */
static inline int martlet_sqlite_confine(sqlite3 *db) {
    int rc = sqlite3_db_config(db, SQLITE_DBCONFIG_LOOKASIDE, (void *)0, 0, 0);
    if (rc == SQLITE_OK) rc = sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, (int *)0);
    if (rc == SQLITE_OK) rc = sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 0, (int *)0);
    if (rc == SQLITE_OK) rc = sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)0);
    return rc;
}
