package leaks

// An automaton finds many words in one pass, without regard to ASCII case.
//
// Source: Alfred V. Aho and Margaret J. Corasick, "Efficient String Matching:
// An Aid to Bibliographic Search", CACM 18(6), 1975. The failure links are
// folded into one table, so that a byte costs one look-up.
type automaton struct {
	next  []int32 // 256 for each state
	words [][]int // the words that end in a state
}

// newAutomaton builds one of lower-case words.
func newAutomaton(words []string) *automaton {
	a := &automaton{}
	state := func() int32 {
		a.next = append(a.next, make([]int32, 256)...)
		a.words = append(a.words, nil)
		return int32(len(a.words) - 1)
	}
	state()
	for i, w := range words {
		at := int32(0)
		for _, c := range []byte(w) {
			if a.next[int(at)<<8|int(c)] == 0 {
				n := state()
				a.next[int(at)<<8|int(c)] = n
			}
			at = a.next[int(at)<<8|int(c)]
		}
		a.words[at] = append(a.words[at], i)
	}
	// In the order of their depth, each state takes what its failure has.
	fail := make([]int32, len(a.words))
	var queue []int32
	for c := range 256 {
		if n := a.next[c]; n != 0 {
			queue = append(queue, n)
		}
	}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		a.words[at] = append(a.words[at], a.words[fail[at]]...)
		for c := range 256 {
			n := a.next[int(at)<<8|c]
			back := a.next[int(fail[at])<<8|c]
			if n == 0 {
				a.next[int(at)<<8|c] = back
				continue
			}
			fail[n] = back
			queue = append(queue, n)
		}
	}
	for c := 'A'; c <= 'Z'; c++ {
		for s := range a.words {
			a.next[s<<8|int(c)] = a.next[s<<8|int(c-'A'+'a')]
		}
	}
	return a
}

// each calls found with the word and the offset behind it.
func (a *automaton) each(text []byte, found func(word, end int)) {
	at := int32(0)
	for i, c := range text {
		at = a.next[int(at)<<8|int(c)]
		if w := a.words[at]; w != nil {
			for _, word := range w {
				found(word, i+1)
			}
		}
	}
}
