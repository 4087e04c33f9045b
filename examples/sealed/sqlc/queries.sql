-- name: CreateUser :exec
INSERT INTO users (id, ssn) VALUES ($1, $2);

-- name: GetUser :one
SELECT id, ssn FROM users WHERE id = $1;

-- name: SetSSN :exec
UPDATE users SET ssn = $2 WHERE id = $1;
