package server

import (
	"bytes"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
)

// find is where a word of a command stands in its file. It must stand there
// once, as it is.
func (s *start) find(word string) (from, to int, ok bool) {
	begin, end, ok := s.region()
	if !ok || word == "" {
		return 0, 0, false
	}
	data := s.cmd.Data
	for at := begin; at < end; {
		i := bytes.Index(data[at:end], []byte(word))
		if i < 0 {
			break
		}
		i += at
		at = i + len(word)
		if i > begin && !strings.ContainsRune(" \t\n\"'=:[,(", rune(data[i-1])) || at < end && !strings.ContainsRune(" \t\r\n\"'=,])", rune(data[at])) {
			continue
		}
		if ok = from == 0 && to == 0; !ok {
			return 0, 0, false
		}
		from, to = i, at
	}
	return from, to, to > 0
}

// region is the part of the file that the command stands in.
func (s *start) region() (begin, end int, ok bool) {
	if s.cmd == nil || s.cmd.Data == nil {
		return 0, 0, false
	}
	begin, end = -1, len(s.cmd.Data)
	line, at := 1, 0
	for {
		if line == s.cmd.Line {
			begin = at
		}
		i := bytes.IndexByte(s.cmd.Data[at:], '\n')
		if i < 0 {
			break
		}
		if line == s.cmd.End {
			end = at + i
			break
		}
		at += i + 1
		line++
	}
	return begin, end, begin >= 0 && begin <= end
}

// quoted widens a word to the quotes around it when it is an item of a list.
func (s *start) quoted(from, to int) (int, int, bool) {
	data := s.cmd.Data
	if from == 0 || to >= len(data) || data[from-1] != data[to] || data[to] != '"' && data[to] != '\'' {
		return from, to, false
	}
	before := bytes.TrimRight(data[:from-1], " \t\r\n\\")
	after := bytes.TrimLeft(data[to+1:], " \t\r\n\\")
	item := len(before) > 0 && (before[len(before)-1] == '[' || before[len(before)-1] == ',') && len(after) > 0 && (after[0] == ',' || after[0] == ']')
	return from - 1, to + 1, item
}

// drop is the edit that takes a switch out; none when it is not mechanical.
func (s *start) drop(key string) []analysis.Edit {
	v := s.values[key]
	if v.expr != nil {
		return s.flip(v)
	}
	if s.cmd == nil || s.cmd.Items {
		return nil
	}
	from, to, ok := s.find(v.word)
	if !ok || s.cmd.Data[min(to, len(s.cmd.Data)-1)] == '=' {
		return nil
	}
	data := s.cmd.Data
	if f, t, item := s.quoted(from, to); item {
		from, to = f, t
		for from > 0 && strings.ContainsRune(" \t\r\n\\", rune(data[from-1])) {
			from--
		}
		if from > 0 && data[from-1] == ',' {
			return s.edit(from-1, to, "")
		}
		for to < len(data) && (data[to] == ',' || data[to] == ' ') {
			to++
		}
		return s.edit(from, to, "")
	}
	if from > 0 && to < len(data) && (data[to] == '"' || data[to] == '\'') && data[from-1] == data[to] {
		return nil
	}
	for from > 0 && (data[from-1] == ' ' || data[from-1] == '\t') {
		from--
	}
	// A line of its own goes with its end.
	rest := data[to:]
	if line, _, more := bytes.Cut(rest, []byte("\n")); more && from > 0 && data[from-1] == '\n' && strings.Trim(string(line), " \t\r\\") == "" {
		return s.edit(from, to+len(line)+1, "")
	}
	return s.edit(from, to, "")
}

// replace is the edit that puts another word in a word's place.
func (s *start) replace(word, other string) []analysis.Edit {
	from, to, ok := s.find(word)
	if !ok {
		return nil
	}
	return s.edit(from, to, other)
}

// add is the edit that puts a switch behind the application's name.
func (s *start) add(flag string) []analysis.Edit {
	from, to, ok := s.find(s.app)
	if !ok || s.open || s.cmd.Items {
		return nil
	}
	_, t, item := s.quoted(from, to)
	if item {
		return s.edit(t, t, `, "`+flag+`"`)
	}
	data := s.cmd.Data
	if from > 0 && (data[from-1] == '"' || data[from-1] == '\'') && to < len(data) && data[to] == data[from-1] {
		to++
	}
	return s.edit(to, to, " "+flag)
}

func (s *start) edit(from, to int, text string) []analysis.Edit {
	return []analysis.Edit{{File: s.cmd.File, From: from, To: to, Text: text}}
}
