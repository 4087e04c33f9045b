package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// A gateway keeps little and allocates a lot: a few MiB live, and some KiB for
// each request that nobody needs a moment later. Go by default collects when
// the heap has doubled, but not before 4 MiB, which under load is 20 times a
// second and a tenth to a sixth of all CPU time.
//
// So a heap is let grow to 32 MiB before it is collected. That costs at most
// 28 MiB of memory in a process, whatever it holds: a plain GOGC of 800 would
// let a gateway that holds 100 MiB for idle connections grow to 900. With more
// than 16 MiB live everything is as by default.
const (
	heapFloor  = 32 << 20
	minPercent = 100
	maxPercent = 800 // the runtime's own least heap is 4 MiB * percent / 100
)

// paceCollection sets the garbage collector's pace for a gateway, unless who
// started the program has an opinion of his own.
func paceCollection() {
	if collectionIsSet() {
		return
	}
	p := &pace{percent: maxPercent}
	debug.SetGCPercent(p.percent)
	p.await()
}

// collectMore is the pace of a command that keeps a MB or two and ends at once.
// One that is done before the first collection has none: the collector's own
// code and tables would be read into memory for less than they free. From the
// first on the heap grows by half, and not by all that is live.
func collectMore() {
	if !collectionIsSet() {
		runtime.AddCleanup(new(tracer), func(percent int) { debug.SetGCPercent(percent) }, 50)
	}
}

// latePercent lets a heap grow to 128 MB before it is first collected: the
// runtime's own least heap is 4 MiB at 100.
const latePercent = 3200

// collectLate is the pace of a command that builds trees of files and keeps
// them to its end: before there are many, there is next to nothing to free.
func collectLate() {
	if !collectionIsSet() {
		debug.SetGCPercent(latePercent)
		runtime.AddCleanup(new(tracer), func(percent int) { debug.SetGCPercent(percent) }, minPercent)
	}
}

// collectionIsSet tells whether who started the program says when to collect.
func collectionIsSet() bool { return os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" }

// pace follows the live heap.
type pace struct {
	percent int
}

// tracer is garbage, whose collection says that there was one. It is too
// large for the allocator that puts tiny objects together.
type tracer [32]byte

func (p *pace) await() {
	runtime.AddCleanup(new(tracer), func(p *pace) { p.collected() }, p)
}

// collected is called after a collection. It follows only a change that
// matters, since it stops the program for some microseconds.
func (p *pace) collected() {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	if metrics.Read(live); live[0].Value.Kind() == metrics.KindUint64 {
		if next := percentFor(live[0].Value.Uint64()); next > p.percent+p.percent/8 || next < p.percent-p.percent/8 {
			p.percent = next
			debug.SetGCPercent(next)
		}
	}
	p.await()
}

// percentFor returns how much a heap of so many live bytes may grow, as GOGC.
func percentFor(live uint64) int {
	if live == 0 {
		return maxPercent
	}
	return int(min(max(heapFloor*100/live, minPercent+100)-100, maxPercent))
}
