INSERT INTO people VALUES (3, 'it''s "great"', 1, 'y', ROW(NULL, NULL), '{}');
UPDATE people SET feels = 'sad', lives = ROW('', NULL) WHERE id = 1;
