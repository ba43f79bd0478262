XA START 'one';
INSERT INTO t VALUES (10, 'prepared');
XA END 'one';
XA PREPARE 'one';
XA COMMIT 'one';
