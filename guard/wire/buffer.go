package wire

import "sync"

// bufferPool holds buffers that no connection needs for now.
type bufferPool struct{ pool sync.Pool }

func (b *bufferPool) get() []byte {
	if v, ok := b.pool.Get().(*[bufferSize]byte); ok {
		return v[:0]
	}
	return make([]byte, 0, bufferSize)
}

// put takes a buffer back. Those that had to grow are left to the garbage
// collector.
func (b *bufferPool) put(buf []byte) {
	if cap(buf) == bufferSize {
		b.pool.Put((*[bufferSize]byte)(buf[:bufferSize]))
	}
}
