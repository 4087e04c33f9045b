// Package sqlc seals columns behind code that sqlc generates: sqlc.yaml gives
// the sealed column a type of its own, so that no query can write it in the
// clear by mistake. The code under pg and lite is sqlc's.
package sqlc

//go:generate go run github.com/sqlc-dev/sqlc/cmd/sqlc@v1.31.1 generate
