UPDATE "Mixed Case.Table" SET "quo""te" = 'c', "select" = NULL;
UPDATE "Mixed Case.Table" SET "Id" = 2;
INSERT INTO "Mixed Case.Table" VALUES (3, 'x', 'y', 4, 'z', '\');
UPDATE "order" SET "group" = 'y';
DELETE FROM "order" WHERE id = 1;
INSERT INTO "order" VALUES (2, '');
UPDATE a23456789012345678901234567890123456789012345678901234567890123 SET v = 2;
