CREATE TABLE users (
    id text PRIMARY KEY,
    ssn text
);
