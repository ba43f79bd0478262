SET SESSION binlog_row_value_options = 'PARTIAL_JSON';
UPDATE j SET doc = json_set(doc, '$.a', 2);
