import ReplicationModel

// What a number means for the pipeline. Names in the comments are the references' own.

extension MySQLError {
    /// The connection is of no use any more.
    static let lostCodes: Set<UInt32> = [
        1053,  // SERVER_SHUTDOWN
        1152, 1184,  // ABORTING_CONNECTION, NEW_ABORTING_CONNECTION
        1158, 1159, 1160, 1161,  // NET_READ_ERROR ... NET_WRITE_INTERRUPTED
        1317,  // QUERY_INTERRUPTED
        1927,  // CONNECTION_KILLED (MariaDB)
        2006, 2013, 2055,  // SERVER_GONE_ERROR, SERVER_LOST, SERVER_LOST_EXTENDED
        2026,  // SSL_CONNECTION_ERROR: after the login it is how a cut link reads
        3169, 4031,  // SESSION_WAS_KILLED, CLIENT_INTERACTION_TIMEOUT (MySQL)
        5014,  // write error, TLS included
    ]

    static func kind(of code: UInt32, sqlState: String) -> ReplicationError.Kind {
        if lostCodes.contains(code) { return .connectionLost }
        switch code {
        case 1213, 1020, 1613, 1614, 3058, 3101: return .deadlock
        case 1040, 1203, 1226, 1205, 1637, 1969, 3024, 3572: return .serverBusy
        case 1002, 1003, 1021, 1026, 1030, 1114, 1135, 1290, 1792, 1836, 1037, 1038, 1041:
            return .targetUnavailable
        case 1045, 1130, 1251, 1275, 1396, 1524, 1698, 1820, 1862, 3118, 4151, 2059, 2061, 5010:
            return .authentication
        // 1401: XA RECOVER without XA_RECOVER_ADMIN.
        case 1044, 1142, 1143, 1227, 1370, 1401, 1410, 1419, 4202: return .privilege
        case 1153, 1193, 1229, 1231, 1238, 1777, 2020, 3750: return .unfitSetting
        case 1235, 1289: return .unsupported
        case 1022, 1048, 1062, 1216, 1217, 1364, 1451, 1452, 1557, 1586, 3819, 4025:
            return .rowConflict
        case 1264, 1265, 1292, 1366, 1406, 1411, 1525, 1690, 3140: return .invalidValue
        case 1236: return .positionGap
        case 1412: return .snapshotGone
        case 2002, 2003, 2005, 1129: return .unreachable
        default: break
        }
        switch sqlState.prefix(2) {
        case "08": return .connectionLost
        case "22": return .invalidValue
        case "23": return .rowConflict
        case "28": return .authentication
        case "40": return .deadlock
        case "42", "3D": return .unfitSchema
        default: return .internalFault
        }
    }

    static func remedy(for code: UInt32) -> String? {
        switch code {
        case 1021, 1114, 1026, 1003:
            "free disk space at the server; the next start goes on from the checkpoint"
        case 1290, 1792, 1836: "make the server writable (read_only, super_read_only)"
        case 1044, 1142, 1143, 1227, 1370, 1401: "martlet check PIPELINE --print-grants"
        case 1153, 2020: "raise max_allowed_packet at the server (at most 1 GB)"
        case 3750:
            "give the table a primary key at the source, or "
                + "SET GLOBAL sql_generate_invisible_primary_key = ON at the target"
        case 1205: "see what holds the lock: SHOW ENGINE INNODB STATUS; Martlet tries again"
        case 1236:
            "the log does not go back that far (SHOW BINARY LOGS); a new initial load is needed"
        default: nil
        }
    }
}
