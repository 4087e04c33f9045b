import base64
import os
import secrets

import rsa as rsalib
from Crypto.Cipher import AES, ARC4, DES, DES3, Blowfish
from Crypto.PublicKey import DSA, ECC, RSA
from Crypto.Random import get_random_bytes
from Cryptodome.Cipher import DES as D2
from cryptography.hazmat.backends import default_backend
from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4 as RC4
from cryptography.hazmat.primitives.asymmetric import dh, dsa, ec, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

IV = b"0123456789abcdef"
NONCE = os.urandom(12)
MODE = AES.MODE_ECB


def weak(key, data):
    DES.new(key, DES.MODE_CBC, get_random_bytes(8))  # want "lint/weak-cipher: DES is used"
    D2.new(key, D2.MODE_ECB)  # want "lint/weak-cipher: DES is used"
    DES3.new(key, DES3.MODE_CBC, get_random_bytes(8))  # want "lint/weak-cipher: DES3"
    ARC4.new(key)  # want "lint/weak-cipher: ARC4"
    Blowfish.new(key, Blowfish.MODE_CBC, get_random_bytes(8))  # want "lint/weak-cipher"
    AES.new(key, MODE)  # want "lint/weak-cipher: the mode is ECB"
    AES.new(key, mode=AES.MODE_ECB)  # want "lint/weak-cipher: the mode is ECB"
    Cipher(algorithms.AES(key), modes.ECB(), backend=default_backend())  # want "lint/weak-cipher: the mode is ECB"
    Cipher(algorithms.TripleDES(key), modes.CBC(os.urandom(8)))  # want "lint/weak-cipher: TripleDES"
    Cipher(RC4(key), mode=None)  # want "lint/weak-cipher: ARC4"
    AES.new(key, AES.MODE_GCM)  # ok "lint/weak-cipher" "lint/static-iv"
    Cipher(algorithms.AES(key), modes.GCM(os.urandom(12)))  # ok "lint/weak-cipher" "lint/static-iv"
    AESGCM(key).encrypt(secrets.token_bytes(12), data, None)  # ok "lint/weak-cipher" "lint/static-iv"


def same(key, data):
    AES.new(key, AES.MODE_CBC, IV)  # want "lint/static-iv: the nonce is the same"
    AES.new(key, AES.MODE_CBC, iv=bytes(16))  # want "lint/static-iv"
    AES.new(key, AES.MODE_CTR, nonce=b"\x00" * 8)  # want "lint/static-iv"
    Cipher(algorithms.AES(key), modes.CBC("0000000000000000".encode()))  # want "lint/static-iv"
    Cipher(algorithms.AES(key), modes.CBC(key[:16]))  # want "lint/static-iv: the nonce is a part of the key"
    iv = b"\0" * 12
    AESGCM(key).encrypt(iv, data, None)  # want "lint/static-iv"
    box = ChaCha20Poly1305(key)
    box.encrypt(NONCE, data, None)  # want "lint/static-iv: the nonce is made once"
    modes.CTR(base64.b64decode("AAAAAAAAAAAAAAAAAAAAAA=="))  # want "lint/static-iv"
    nonce = os.urandom(12)
    return nonce + box.encrypt(nonce, data, None)  # ok "lint/static-iv"


class Box:
    def __init__(self, key):
        self.aead = AESGCM(key)
        self.nonce = b"fixed-nonce!"

    def encrypt(self, data):
        return self.aead.encrypt(self.nonce, data, None)  # want "lint/static-iv"

    def decrypt(self, data):
        nonce, rest = data[:12], data[12:]
        return self.aead.decrypt(nonce, rest, None)  # ok "lint/static-iv"

    def with_iv(self, iv, data):
        return AES.new(self.key, AES.MODE_CBC, iv).encrypt(data)  # ok "lint/static-iv"


def keys(size):
    RSA.generate(1024)  # want "lint/weak-key: a key of RSA has 1024 bits"
    DSA.generate(bits=1024)  # want "lint/weak-key"
    dsa.generate_private_key(key_size=1024)  # want "lint/weak-key"
    dh.generate_parameters(generator=2, key_size=1024)  # want "lint/weak-key"
    ec.generate_private_key(ec.SECP192R1())  # want "lint/weak-key: the curve SECP192R1"
    ECC.generate(curve="P-192")  # want "lint/weak-key"
    rsalib.newkeys(512)  # want "lint/weak-key"
    RSA.generate(4096)  # ok "lint/weak-key"
    rsa.generate_private_key(65537, 2048)  # ok "lint/weak-key"
    rsa.generate_private_key(65537, size)  # ok "lint/weak-key"
    ec.generate_private_key(ec.SECP256R1())  # ok "lint/weak-key"
