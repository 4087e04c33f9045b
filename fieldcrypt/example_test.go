package fieldcrypt_test

import (
	"fmt"
	"time"

	"github.com/pavise-dev/pavise/fieldcrypt"
	"github.com/pavise-dev/pavise/secret"
)

// exampleRing stands for a ring from a file: fieldcrypt.ReadRing.
func exampleRing() *fieldcrypt.Ring {
	r, err := fieldcrypt.ParseRing(secret.New("cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4="))
	if err != nil {
		panic(err)
	}
	return r
}

func Example() {
	key, err := fieldcrypt.NewKey(fieldcrypt.V1, time.Now())
	if err != nil {
		panic(err)
	}
	ring, err := fieldcrypt.NewRing(key)
	if err != nil {
		panic(err)
	}
	where := fieldcrypt.Context{Table: "users", Column: "ssn", PrimaryKey: "7"}
	token, err := ring.Encrypt([]byte("078-05-1120"), where)
	if err != nil {
		panic(err)
	}
	ssn, err := ring.Decrypt(token, where)
	fmt.Printf("%s %s %v\n", token[:4], ssn, err)

	where.PrimaryKey = "8" // copied to another row
	_, err = ring.Decrypt(token, where)
	fmt.Println(err)
	// Output:
	// pv1. 078-05-1120 <nil>
	// fieldcrypt: the token does not open
}

// A Fernet token knows no place: whoever can write to the table can copy one
// user's to another, and it opens there. Seal with a V1 key.
func Example_wrong() {
	ring := exampleRing()
	token, err := ring.Encrypt([]byte("078-05-1120"), fieldcrypt.Context{PrimaryKey: "7"})
	if err != nil {
		panic(err)
	}
	ssn, err := ring.Decrypt(token, fieldcrypt.Context{PrimaryKey: "8"})
	fmt.Println(string(ssn), err)
	// Output: 078-05-1120 <nil>
}

func ExampleRing_Rotate() {
	ring := exampleRing()
	old := "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA=="
	key, err := fieldcrypt.NewKey(fieldcrypt.V1, time.Now())
	if err != nil {
		panic(err)
	}
	if ring, err = ring.Add(key); err != nil {
		panic(err)
	}
	where := fieldcrypt.Context{Table: "users", Column: "ssn", PrimaryKey: "7"}
	token, changed, err := ring.Rotate(old, where)
	fmt.Println(fieldcrypt.FormatOf(token), changed, err)
	_, changed, err = ring.Rotate(token, where)
	fmt.Println(changed, err)
	// Output:
	// pavise true <nil>
	// false <nil>
}

func ExampleCapacity() {
	fmt.Println(fieldcrypt.Capacity(fieldcrypt.Fernet, 500), fieldcrypt.Width(fieldcrypt.V1, 100))
	// Output: 303 196
}
