INSERT INTO papers SELECT id + 10, plain, binary_form FROM papers;
UPDATE papers SET binary_form = binary_form || '[1.10]' WHERE id IN (2, 12);
