package main

import (
	crand "crypto/rand"
	"fmt"
	"math/rand"
	randv2 "math/rand/v2"
	"time"
)

const letters = "abcdefghijklmnopqrstuvwxyz0123456789"

func randomString(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[rand.Intn(len(letters))] // want "lint/go-weak-random: resetToken is made of numbers from math/rand"
	}
	return string(b)
}

type user struct {
	name       string
	resetToken string
}

func (u *user) forgot() {
	u.resetToken = randomString(16)
}

func (u *user) code() {
	otp := fmt.Sprintf("%06d", randv2.IntN(1000000)) // want "lint/go-weak-random: otp"
	send(otp)
}

func newAPIKey(r *rand.Rand) []byte {
	key := make([]byte, 32)
	r.Read(key) // want "lint/go-weak-random: newAPIKey"
	return key
}

func retry() time.Duration {
	return time.Second + time.Duration(rand.Int63n(1000)) // ok "lint/go-weak-random"
}

func token() []byte {
	b := make([]byte, 32)
	crand.Read(b) // ok "lint/go-weak-random"
	return b
}

func pick(items []string) string {
	chosen := items[rand.Intn(len(items))] // ok "lint/go-weak-random"
	return chosen
}

func port() int { return 1024 + rand.Intn(1000) }

func retry(action func() error) error {
	time.Sleep(time.Duration(rand.Intn(10)))
	return action()
}

func UpdateRefreshToken() error {
	return retry(func() error { return nil }) // ok "lint/go-weak-random"
}

func reject() bool {
	nonceRoll := rand.Intn(100) // ok "lint/go-weak-random"
	return nonceRoll < 5
}
