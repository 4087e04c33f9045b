package main

import (
	"fmt"
	"net/http"
)

func main() {
	// http.ListenAndServe(":1", nil)
	res, err := http.Get("http://api.example")
	fmt.Println(res, err, "ListenAndServe(")
	cmd.Run()
}
