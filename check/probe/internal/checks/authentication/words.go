package authentication

import (
	"iter"
	"strings"
)

// words are what keys are set to while something is tried out, and stay.
const words = `secret key jwt token password changeme change_me admin test dev development demo example sample default
secretkey secret_key secret-key mysecret my_secret my-secret mysecretkey my_secret_key supersecret super_secret super-secret
supersecretkey super_secret_key super-secret-key topsecret top_secret verysecret very_secret jwtsecret jwt_secret jwt-secret
jwtkey jwt_key jwt-key jwt_secret_key jwttoken jwt_token tokensecret token_secret signingkey signing_key signkey privatekey
private_key sharedkey shared_key shared_secret shared-secret hmackey hmac_key hmac hs256 hs512 authsecret auth_secret auth authkey
appsecret app_secret app-secret appkey app_key app apisecret api_secret api-secret apikey api_key api serversecret server_secret
sessionsecret session_secret session cookie_secret cookiesecret keyboardcat keyboard production prod staging local localhost
qwerty qwertyuiop asdfgh asdfghjkl zxcvbn zxcvbnm abc abcdef abcdefgh abcdefghijklmnop letmein welcome hello helloworld hello_world
foo bar foobar baz test_secret testsecret test_key testkey testing tester dev_secret devsecret dev_key devkey development_secret
temp tmp temporary placeholder todo fixme replaceme replace_me replace-me insecure unsafe notsecure not_secure notasecret not_a_secret
dontusethis do_not_use please_change_me pleasechangeme changeit change-me changethis change_this change-this change_this_secret
change_this_key your_secret your-secret yoursecret your_secret_key your-secret-key your_jwt_secret your-jwt-secret your-256-bit-secret
your-384-bit-secret your-512-bit-secret your_super_secret_key random random_string randomstring random_secret long_random_string
somesecret some_secret some-secret thisisasecret this_is_a_secret this-is-a-secret thesecret the_secret itsasecret shhh shhhh
shhhhh shhhhhhared-secret ssh quiet hidden private public secure security safe master root superuser user guest account login
passw0rd p@ssw0rd p@ssword pass passwd passphrase passport pwd hunter dragon monkey football baseball sunshine princess shadow
iloveyou trustno1 starwars superman batman master1 michael jordan charlie ashley bailey mustang freedom whatever computer internet
server client backend frontend service gateway orders shop store blog todoapp myapp my_app webapp website project company
fastapi flask django express nodejs node python golang spring laravel rails starlette uvicorn sqlalchemy mongodb postgres mysql redis
docker kubernetes azure google amazon github gitlab django-insecure flask-secret insecure-secret insecure_key none null undefined
true false empty blank string value data access refresh bearer oauth oauth2 openid identity id sub signature sign hash salt pepper
crypto encrypt encryption encryptionkey encryption_key aes rsa sha256 md5 base64 utf8 ascii monday summer winter spring autumn
alpha beta gamma delta omega sigma one two three first second last magic wizard ninja pirate robot unicorn rainbow`

// endings are put behind each of them.
func endings() []string { return []string{"", "1", "123", "1234", "!"} }

// guesses are keys in the order in which they are tried: about two thousand of
// words, and all numbers of up to six digits. They may not be kept.
func guesses() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		if !yield(nil) {
			return
		}
		for w := range strings.FieldsSeq(words) {
			for _, end := range endings() {
				if !yield([]byte(w+end)) || end == "" && (!yield([]byte(strings.ToUpper(w))) || !yield([]byte(strings.ToUpper(w[:1])+w[1:]))) {
					return
				}
			}
		}
		number := make([]byte, 6)
		for digits, top := 1, 10; digits <= 6; digits, top = digits+1, top*10 {
			for n := range top {
				for i, rest := digits-1, n; i >= 0; i, rest = i-1, rest/10 {
					number[i] = byte('0' + rest%10)
				}
				if !yield(number[:digits]) {
					return
				}
			}
		}
		for _, long := range []string{"1234567", "12345678", "123456789", "1234567890", "0123456789", "12345678901234567890123456789012"} {
			if !yield([]byte(long)) {
				return
			}
		}
	}
}
