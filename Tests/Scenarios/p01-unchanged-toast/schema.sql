CREATE TABLE documents (id int PRIMARY KEY, body text, version int);
ALTER TABLE documents ALTER body SET STORAGE EXTERNAL;
INSERT INTO documents SELECT g, repeat('x' || g, 4000), 1 FROM generate_series(1, 20) g;
CREATE TABLE full_documents (id int PRIMARY KEY, body text, version int);
ALTER TABLE full_documents ALTER body SET STORAGE EXTERNAL;
ALTER TABLE full_documents REPLICA IDENTITY FULL;
INSERT INTO full_documents SELECT * FROM documents;
