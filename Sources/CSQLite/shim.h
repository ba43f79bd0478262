#pragma once
#include <sqlite3.h>

/* SQLITE_TRANSIENT and SQLITE_STATIC are casts, which Swift cannot import. */
static inline sqlite3_destructor_type martlet_sqlite_transient(void) { return SQLITE_TRANSIENT; }
static inline sqlite3_destructor_type martlet_sqlite_static(void) { return SQLITE_STATIC; }
