-- The statements of an audit, which read all that there is: no other does so.

-- name: different_words
-- Finds jobs whose name or tags differ between the table and the index of them.
WITH of_table AS (
    SELECT number, owner, name, tags FROM jobs NOT INDEXED
    WHERE number > :above AND (name <> '' OR tags <> '')),
of_index AS (
    SELECT number, owner, name, tags FROM jobs INDEXED BY jobs_words
    WHERE number > :above AND (name <> '' OR tags <> ''))
SELECT number FROM (SELECT * FROM of_table EXCEPT SELECT * FROM of_index)
UNION SELECT number FROM (SELECT * FROM of_index EXCEPT SELECT * FROM of_table) ORDER BY number;

-- name: miscounted
-- Finds states of which not as many jobs are counted as there are.
WITH of_table AS (SELECT state, count(*) AS n FROM jobs NOT INDEXED GROUP BY state),
counted AS (SELECT state, sum(n) AS n FROM tallies WHERE batch = '' GROUP BY state)
SELECT state FROM (SELECT * FROM of_table EXCEPT SELECT * FROM counted)
UNION SELECT state FROM (SELECT * FROM counted EXCEPT SELECT * FROM of_table) ORDER BY state;

-- name: pointed
-- Lists jobs with points that do not run.
SELECT number FROM points JOIN jobs USING (number) WHERE state <> 'running' ORDER BY number;
