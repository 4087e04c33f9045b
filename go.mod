module github.com/pavise-dev/pavise

go 1.26
