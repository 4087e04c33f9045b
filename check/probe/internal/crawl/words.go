package crawl

import (
	"net/url"
	"path"
	"slices"
	"strings"
	"unicode"
)

// acts tells whether a path does something when it is asked for, by the words
// in it: GET must not, and does on many a site (RFC 9110 section 9.2.1).
func acts(target string) bool {
	plain, err := url.QueryUnescape(target)
	if err != nil {
		plain = target
	}
	return slices.ContainsFunc(words(plain), func(w string) bool { return slices.Contains(verbs(), w) })
}

func verbs() []string {
	return []string{
		"logout", "logoff", "signout", "signoff", "delete", "del", "remove", "rm", "destroy", "erase", "unsubscribe", "subscribe", "cancel", "revoke", "disable", "enable", "deactivate", "activate",
		"reset", "purge", "clear", "drop", "wipe", "truncate", "flush", "shutdown", "restart", "reboot", "stop", "kill", "approve", "reject", "accept", "decline", "confirm", "verify",
		"pay", "buy", "purchase", "checkout", "refund", "transfer", "send", "submit", "add", "create", "insert", "update", "save", "set", "vote", "like", "unlike", "follow", "unfollow", "toggle", "trigger", "run", "execute", "exec",
		"lock", "unlock", "ban", "unban", "block", "unblock", "archive", "restore", "import", "sync", "reload", "install", "uninstall", "upgrade", "migrate", "seed", "deploy", "publish", "unpublish", "close", "rotate", "regenerate", "invite", "leave", "join", "merge", "mark", "backup", "clone", "duplicate",
	}
}

// ruins tells whether an operation does by its name what nothing undoes, or
// what reaches others: of what nobody describes the name is all that is known.
func ruins(target string) bool {
	return slices.ContainsFunc(words(target), func(w string) bool {
		return slices.Contains([]string{
			"reset", "wipe", "flush", "migrate", "seed", "restore", "reload", "reindex", "shutdown", "restart", "reboot", "stop", "kill", "purge", "truncate", "drop", "clear", "cleanup", "deploy", "exec", "execute", "broadcast", "maintenance",
			"delete", "destroy", "remove", "erase", "import", "install", "uninstall", "upgrade", "rotate", "send", "transfer", "pay", "buy", "purchase", "checkout", "refund", "invite", "unsubscribe", "revoke", "deactivate", "ban",
		}, w)
	})
}

// words are those of a path: log-out, logOut and LOG_OUT are two words, and
// joined they are one.
func words(s string) []string {
	var parts []string
	for field := range strings.FieldsFuncSeq(s, func(r rune) bool { return strings.ContainsRune("/?&=.;:,", r) }) {
		var own []string
		var b strings.Builder
		end := func() {
			if b.Len() > 0 {
				own = append(own, strings.ToLower(b.String()))
				b.Reset()
			}
		}
		lower := false
		for _, r := range field {
			switch {
			case !unicode.IsLetter(r):
				end()
				lower = false
				continue
			case unicode.IsUpper(r) && lower:
				end()
			}
			lower = unicode.IsLower(r)
			b.WriteRune(r)
		}
		end()
		parts = append(parts, own...)
		if len(own) > 1 {
			parts = append(parts, strings.Join(own, ""))
		}
	}
	return parts
}

// file tells whether a path is of something that holds no links, such as a
// picture.
func file(target string) bool {
	p, _, _ := strings.Cut(target, "?")
	switch strings.ToLower(path.Ext(p)) {
	case ".css", ".map", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".ico", ".webp", ".avif", ".bmp", ".tif", ".tiff", ".woff", ".woff2", ".ttf", ".otf", ".eot", ".mp4", ".webm", ".mp3", ".ogg", ".wav", ".avi", ".mov", ".wasm", ".webmanifest",
		".pdf", ".zip", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".tar", ".jar", ".exe", ".dmg", ".iso", ".doc", ".docx", ".xls", ".xlsx", ".ppt", ".pptx":
		return true
	}
	return false
}

// script tells whether a path is of a program for browsers.
func script(target string) bool {
	p, _, _ := strings.Cut(target, "?")
	ext := strings.ToLower(path.Ext(p))
	return ext == ".js" || ext == ".mjs"
}

// furniture tells whether a path is of what each site has, and is read for its
// links alone.
func furniture(target string) bool {
	p, _, _ := strings.Cut(target, "?")
	return script(p) || p == "/robots.txt" || strings.HasPrefix(p, "/.well-known/") || strings.HasPrefix(p, "/sitemap") && strings.HasSuffix(p, ".xml")
}
