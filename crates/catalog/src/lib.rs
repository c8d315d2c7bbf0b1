//! What we know: the SQL schema and its queries, on SQLite or PostgreSQL.
