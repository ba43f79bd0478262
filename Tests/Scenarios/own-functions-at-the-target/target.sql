create function lab.twice(integer, out integer) language sql immutable as 'select $1 * 2';
