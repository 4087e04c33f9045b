package inventory

// marker evaluates an environment marker for the chosen Python, platform and
// extras. Excluded says why the dependency is not installed there, and is
// empty where it is or where that depends on what was not chosen.
func (s *source) marker(text string) (excluded string, err error) {
	return "", nil
}
