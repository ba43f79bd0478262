"""Boundary values of every type: minimum, maximum, zero, the longest, empty, NULL, and what breaks copies.

`of(server)` lists (type, values, engines that refuse them). PostgreSQL's values are texts, MySQL's and
MariaDB's are SQL expressions. Only a value that nothing else of its table shares a fate with stands alone.
"""

# MariaDB takes documents of up to 31 levels.
DEEP, DEEPER = "[" * 31 + "]" * 31, "[" * 90 + "]" * 90
LONG = "grün 𝄞 \\ ' \" " * 8000
FAMILY = {"mysql", "mariadb"}
NONE = frozenset()

POSTGRESQL_TYPES = [
    "CREATE TYPE mood AS ENUM ('', 'sad', 'o k', 'ü,\"')",
    "CREATE TYPE pair AS (a int, b text)",
    "CREATE DOMAIN small AS numeric(5,2) CHECK (VALUE < 900)",
]

_TEXTS = ["", " ", "a ", " a", "ä€𝄞🐦", "\\", "\\N", "\\.", "\t\n\r\x01\x7f", "'\"`", "NULL", "e\u0301", None]
_JSON = ['{"b": 1,  "a":[null, true], "b": 2}', '""', "null", "-0", "[]", '"\\u00e9 é \\\\ \\n 𝄞"',
         "123456789012345678901234567890", "[1.10, 1e2, 1E-7, 18446744073709551615]", DEEPER, None]
_DAYS = ["1000-01-01", "9999-12-31", "2000-02-29", "1970-01-01", "1582-10-10", None]
_NO_DAYS = ["4713-01-01 BC", "0999-12-31", "10000-01-01", "5874897-12-31", "infinity", "-infinity"]

POSTGRESQL = [
    ("smallint", ["-32768", "32767", "0", "-1", None], NONE),
    ("integer", ["-2147483648", "2147483647", "0", None], NONE),
    ("bigint", ["-9223372036854775808", "9223372036854775807", "0", "9007199254740993", None], NONE),
    ("oid", ["0", "4294967295", None], NONE),
    ("boolean", ["t", "f", None], NONE),
    ("real", ["0", "1e-45", "1.17549435e-38", "3.4028235e+38", "-3.4028235e+38", "0.1", "16777216",
              "1234567.9", "8388608.5", None], NONE),
    ("double precision", ["0", "5e-324", "2.2250738585072014e-308", "1.7976931348623157e+308", "0.1",
                          "-1e15", "123456789.12345679", "9007199254740993", None], NONE),
    ("real", ["NaN"], FAMILY), ("real", ["-Infinity"], FAMILY),
    ("double precision", ["NaN", "Infinity", "-Infinity"], FAMILY),
    ("real", ["-0", "1"], {"mariadb"}), ("double precision", ["-0", "1"], {"mariadb"}),
    ("numeric", ["0", "0.00", "1.10", "-0.000000000000000000000000000000000000000000000001",
                 "9" * 600 + "." + "9" * 600, "NaN", "Infinity", "-Infinity", None], NONE),
    ("numeric(65,30)", ["9" * 35 + "." + "9" * 30, "-" + "9" * 35 + "." + "9" * 30, "0",
                        "0." + "0" * 29 + "1", "1.5", None], NONE),
    ("numeric(10,2)", ["99999999.99", "-0.01", "0", None], NONE),
    ("numeric(10,2)", ["NaN"], FAMILY),
    ("numeric(100,50)", ["9" * 50 + "." + "9" * 50, "0.1", "NaN", None], NONE),
    ("numeric(5,-2)", ["1234567", "-100", "0", None], NONE),
    ("small", ["899.99", "-999.99", None], NONE),
    ("money", ["-92233720368547758.08", "92233720368547758.07", "0", None], NONE),
    ("text", _TEXTS + [LONG], NONE),
    ("varchar(10)", ["", "a ", "🐦" * 10, "ä\\", None], NONE),
    ("varchar(300)", ["", "🐦" * 300, "a ", None], NONE),
    ("char(5)", ["", "a", "🐦🐦", "ab cd", None], NONE),
    ("name", ["", "ä" * 31, None], NONE),
    ("bytea", ["", "\\x00", "\\x00ff5c0a0d0927", "\\x" + "00ff" * 50000, None], NONE),
    ("date", _DAYS, NONE), ("date", _NO_DAYS, FAMILY),
    ("time", ["00:00", "24:00", "23:59:59.999999", "12:00:00.1", None], NONE),
    ("time(0)", ["23:59:59", None], NONE),
    ("timetz", ["24:00:00-15:59", "00:00:00.000001+15:59:59", None], NONE),
    ("timestamp", ["1000-01-01 00:00", "9999-12-31 23:59:59.999999", "2024-02-29 12:00:00.1", None],
     NONE),
    ("timestamp(3)", ["2024-02-29 12:00:00.123", None], NONE),
    ("timestamp", [day + " 00:00" if day[-1].isdigit() else day for day in _NO_DAYS[1:3]]
     + ["infinity", "-infinity", "0044-03-15 01:02:03.000001 BC", "294276-12-31 23:59:59.999999"], FAMILY),
    ("timestamptz", ["1000-01-01 00:00+00", "9999-12-31 23:59:59.999999+00", "2024-02-29 23:00-05:30",
                     "2038-01-19 03:14:08+00", None], NONE),
    ("timestamptz", ["infinity", "0044-03-15 01:02:03.000001+00 BC"], FAMILY),
    ("interval", ["0", "-178000000 years", "1 mon -1 day 00:00:00.000001", "24:00", "-838:59:59.5",
                  "1 year 2 mons -3 days -04:05:06.7", None], NONE),
    ("uuid", ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", None],
     NONE),
    ("inet", ["0.0.0.0/0", "10.1.2.3/8", "::", "::ffff:1.2.3.4", "fe80::1/64", None], NONE),
    ("cidr", ["10.0.0.0/8", "::/0", None], NONE),
    ("macaddr8", ["08:00:2b:01:02:03:04:05", None], NONE),
    ("bit(1)", ["0", "1", None], NONE), ("bit(64)", ["0" * 64, "1" * 64, None], NONE),
    ("bit(70)", ["01" * 35, None], NONE), ("bit varying", ["", "0", "00", "1" * 100, None], NONE),
    ("json", _JSON + ['"\\u0000"', "1e400", '"\\ud834\\udd1e"'], NONE),
    ("jsonb", [each for each in _JSON if each != "-0"] + ["1e400", "-0.0"], NONE),
    ("xml", ["<a b=\"c\">ä</a>", "", None], NONE),
    ("mood", ["", "sad", "o k", "ü,\"", None], NONE),
    ("pair", ["(1,a)", "(,)", '(-1,"a ""b"", \\\\")', None], NONE),
    ("int[]", ["{}", "{1,NULL,-3}", "{{1,2},{3,4}}", "[0:1]={1,2}", None], NONE),
    ("text[]", ["{}", '{"",NULL,"NULL","a\\"b",ä€🐦," "}', None], NONE),
    ("timestamptz[]", ["{infinity,NULL}", '{"0044-03-15 00:00:00+00 BC"}', None], NONE),
    ("int4range", ["empty", "(,)", "[1,5)", None], NONE),
    ("tstzrange", ["[,infinity]", '["2024-01-01 00:00:00.000001+00",)', None], NONE),
    ("nummultirange", ["{}", "{[1.10,2),(3,)}", None], NONE),
    ("tsvector", ["'a':1A,2 'it''s'", "", None], NONE),
    ("point", ["(NaN,Infinity)", "(-0,1e-300)", None], NONE),
]


def texts(*values):
    return ["'" + value.replace("\\", "\\\\").replace("'", "''") + "'" if value is not None else None
            for value in values]


def times(digits):
    tail = "." + "9" * digits if digits else ""
    return [f"'838:59:58{tail}'", f"'-838:59:58{tail}'", "'00:00:00'", f"'-00:00:00.{'0' * 5}1'",
            f"'24:00:00{tail}'", f"'12:34:56{tail}'", "'-01:00:00'", None]


def moments(digits, first, last):
    tail = "." + "9" * digits if digits else ""
    return [f"'{first}'", f"'{last}{tail}'", f"'2024-02-29 12:00:00{tail[:2]}'", None]


_FAMILY_TEXTS = ["", " ", "a ", " a", "ä€𝄞🐦", "\\", "\\N", "\\.", "\t\n\r\x01\x7f", "'\"`", "NULL",
                 "e\u0301", None]

_COMMON = [
    ("tinyint", ["-128", "127", "0", None], NONE), ("tinyint(1)", ["-128", "2", "1", None], NONE),
    ("tinyint unsigned", ["0", "255", None], NONE),
    ("smallint", ["-32768", "32767", None], NONE), ("smallint unsigned", ["0", "65535", None], NONE),
    ("mediumint", ["-8388608", "8388607", None], NONE),
    ("mediumint unsigned", ["0", "16777215", None], NONE),
    ("int", ["-2147483648", "2147483647", "0", None], NONE),
    ("int unsigned", ["0", "4294967295", None], NONE), ("int(8) zerofill", ["0", "42", None], NONE),
    ("bigint", ["-9223372036854775808", "9223372036854775807", "9007199254740993", None], NONE),
    ("bigint unsigned", ["0", "9223372036854775807", None], NONE),
    ("bigint unsigned", ["18446744073709551615", "9223372036854775808"], {"sqlite"}),
    ("decimal(65,30)", ["9" * 35 + "." + "9" * 30, "-" + "9" * 35 + "." + "9" * 30, "0",
                        "0." + "0" * 29 + "1", None], NONE),
    ("decimal(65,0)", ["9" * 65, "-1", "0", None], NONE), ("decimal(30,30)", ["-0." + "9" * 30, "0"], NONE),
    ("decimal(10,2) unsigned", ["99999999.99", "0.10", None], NONE),
    ("float", ["0", "1e-45", "1.17549435e-38", "3.4028234e38", "-3.4028234e38", "0.1", "16777216",
               "1234567.9", "8388608.5", "16777217", None], NONE),
    ("double", ["0", "5e-324", "2.2250738585072014e-308", "1.7976931348623157e308", "0.1", "-1e15",
                "123456789.12345679", "9007199254740993", None], NONE),
    ("bit(1)", ["0", "1", None], NONE), ("bit(9)", ["0", "511", "256", None], NONE),
    ("bit(64)", ["0", "18446744073709551615", "9223372036854775808", None], NONE),
    ("year", ["'0000'", "1901", "2155", None], NONE),
    ("char(5)", texts("", "a", "ab cd", "🐦🐦🐦🐦🐦", " a", "tab\t", None), NONE),
    ("varchar(300)", texts(*_FAMILY_TEXTS, "🐦" * 300), NONE),
    ("varchar(9) CHARACTER SET latin1", texts("", "é€ß", "a ", None), NONE),
    ("varchar(9) CHARACTER SET utf16 COLLATE utf16_general_ci", texts("", "é€𝄞", None), NONE),
    ("varchar(9) CHARACTER SET gbk", texts("", "中文", None), NONE),
    ("varchar(9) CHARACTER SET sjis", texts("", "表ｱ〜", "\\", None), NONE),
    ("varchar(9) CHARACTER SET koi8u", texts("", "їґ░", None), NONE),
    ("longtext", texts(*_FAMILY_TEXTS, LONG), NONE), ("tinytext", texts("", "x" * 255, None), NONE),
    ("text", texts("", "ä" * 32767, None), NONE),
    ("longtext", ["CONCAT('a', CHAR(0), 'b')"], {"postgresql"}),
    ("binary(4)", ["''", "x'01000000'", "x'00'", "x'ffffffff'", "x'20202020'", None], NONE),
    ("varbinary(300)", ["''", "x'00'", "x'0100'", "REPEAT(x'ff', 300)", None], NONE),
    ("longblob", ["''", "x'00ff5c0a0d0927'", "REPEAT(x'00ff5c27', 30000)", None], NONE),
    ("date", texts("1000-01-01", "9999-12-31", "2000-02-29", "0001-01-01", None), NONE),
    ("date", texts("0000-00-00", "2024-00-00", "2023-02-29"), {"postgresql"}),
    ("datetime(6)", texts("0000-00-00 00:00:00", "2024-02-30 12:00:00.5"), {"postgresql"}),
    ("timestamp(6) NULL", texts("0000-00-00 00:00:00"), {"postgresql"}),
    *[(f"time({digits})", times(digits), NONE) for digits in range(7)],
    *[(f"datetime({digits})", moments(digits, "1000-01-01 00:00:00", "9999-12-31 23:59:59"), NONE)
      for digits in range(7)],
    *[(f"timestamp({digits}) NULL", moments(digits, "1970-01-01 00:00:01", "2038-01-19 03:14:07"), NONE)
      for digits in range(7)],
    ("enum('a','it''s','ü','x,y','back\\\\slash')", texts("a", "it's", "ü", "x,y", "back\\slash", None),
     NONE),
    ("enum('','b')", texts("", "b", None), NONE), ("enum('a','b')", ["0"], FAMILY | {"postgresql"}),
    ("set('a','b','ü','d e')", texts("", "a", "a,b,ü,d e", "ü", None), NONE),
    ("json", texts('{"b": 1, "a": [null, true]}', "[]", '""', "null", '"é 𝄞"', "[1.5, -1, 0.1]",
                   "[18446744073709551615, -9223372036854775808]", DEEP, None), NONE),
    ("geometry", ["ST_GeomFromText('POINT(1 2)', 0)", "ST_GeomFromText('LINESTRING(0 0,1e300 -1)', 0)",
                  None], NONE),
    ("point", ["ST_GeomFromText('POINT(-1.5 0.1)', 0)", None], NONE),
]

_MYSQL = [
    ("varchar(9) CHARACTER SET gb18030", texts("", "中€𝄞🐦", "ḿ\ufe10\ue78d", "\ufffd", None),
     {"mariadb"}),
    ("json", texts(DEEPER), {"mariadb"}),
    ("varchar(9) COLLATE utf8mb4_0900_ai_ci", texts("", "é", "a ", None), NONE),
    ("float", ["-0e0", "1"], {"mariadb"}), ("double", ["-0e0", "1"], {"mariadb"}),
    ("json", ["JSON_ARRAY(CAST('1.10' AS DECIMAL(9,2)))", "JSON_ARRAY(1, CAST('-0.5' AS DECIMAL(50,5)))"],
     {"mysql"}),
    ("json", ["JSON_ARRAY(CAST('1.5' AS DECIMAL(9,1)), CAST('2024-01-02 03:04:05.6' AS DATETIME(6)),"
              " CAST('12:00:00.5' AS TIME(6)), CAST('2024-01-02' AS DATE))", "CAST('[1e300, -1e-7, 1e22, 0.1, 100.0, 123456789012345678]' AS JSON)"], NONE),
]

_MARIADB = [
    ("timestamp(6) NULL", texts("2106-02-07 06:28:15.999999", "2038-01-19 03:14:08"), {"mysql"}),
    ("json", texts('{"b": 1,  "a":[null], "b": 2}', "123456789012345678901234567890", None), NONE),
    ("varchar(9) COLLATE utf8mb4_uca1400_ai_ci", texts("", "é", "a ", None), {"mysql"}),
    ("uuid", texts("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", None),
     {"mysql"}),
    ("inet6", texts("::", "::ffff:1.2.3.4", "fe80::1", None), {"mysql"}),
    ("inet4", texts("0.0.0.0", "255.255.255.255", None), {"mysql"}),
]


def of(server):
    if server.startswith("pg"):
        return POSTGRESQL
    return _COMMON + (_MYSQL if server.startswith("mysql") else _MARIADB)
