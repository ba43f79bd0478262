INSERT INTO lists SELECT id + 10, ints, texts, boxes, period, numbers, amounts FROM lists;
UPDATE lists SET texts = array[E'tab\t newline\n', '{}'], period = '(,2020-01-01]' WHERE id < 10;
UPDATE lists SET ints = '[-5:-4]={5,6}' WHERE id = 11;
