// Command starlark evaluates Starlark expressions for a JavaScript host.
//
// This file owns the border to the host. Host and program share three blocks of linear memory: the header
// below, the input buffer and the output buffer. One call is: the host writes the header and the input, wakes the
// program, reads the header and the output. No value crosses in any other way.
//
//  1. A call never leaves state behind that the next one can see, except compiled programs.
//  2. Addresses handed to the host stay valid until the next call (the collector does not move memory).
package main

import (
	"runtime"
	"runtime/debug"
	"strings"
	"syscall/js"
	"unsafe"
)

// Words of the header, each 32 bits.
const (
	wordOperation     = iota // in: what to do
	wordArgument             // in: program id, or the capacity asked for
	wordInputSize            // in: bytes of input
	wordStatus               // out: how it ended
	wordInput                // out: address of the input buffer
	wordInputCapacity        // out: its size in bytes
	wordOutput               // out: address of the output
	wordOutputSize           // out: its size in bytes
	wordCount
)

const (
	operationReserve = iota + 1
	operationCompileExpression
	operationCompileScript
	operationEvaluate
	operationRelease
	operationCollect
)

const memoryBeforeCollection = 56 << 20

const (
	statusOK = iota
	statusFailed
	statusLimit
)

var (
	header [wordCount]uint32
	input  []byte
	output []byte
)

func main() {
	configureDialect()
	// Garbage is collected when the host says so, between evaluations: its cost would fall on whoever comes by. Within
	// an evaluation only memory that runs short starts a collection.
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(memoryBeforeCollection)
	reserve(64 << 10)
	wake := js.FuncOf(func(js.Value, []js.Value) interface{} {
		handle()
		return nil
	})
	address := uint32(uintptr(unsafe.Pointer(&header[0])))
	js.Global().Call("attach", address, wake)
	select {}
}

func handle() {
	defer func() {
		if cause := recover(); cause != nil {
			replyPanic(cause)
		}
	}()
	text := input[:header[wordInputSize]]
	switch header[wordOperation] {
	case operationReserve:
		reserve(int(header[wordArgument]))
		reply(statusOK, nil)
	case operationCompileExpression:
		replyCompiled(compileExpression(string(text)))
	case operationCompileScript:
		replyCompiled(compileScript(string(text)))
	case operationEvaluate:
		out, failure := evaluate(programs[header[wordArgument]], text, output[:0])
		if failure != nil {
			reply(failure.status, []byte(failure.message))
			return
		}
		reply(statusOK, out)
	case operationRelease:
		delete(programs, header[wordArgument])
		reply(statusOK, nil)
	case operationCollect:
		runtime.GC()
		reply(statusOK, nil)
	default:
		reply(statusFailed, []byte("unknown operation"))
	}
}

func reply(status uint32, out []byte) {
	header[wordStatus] = status
	header[wordOutputSize] = uint32(len(out))
	if len(out) > 0 {
		header[wordOutput] = uint32(uintptr(unsafe.Pointer(&out[0])))
	}
	output = out
	if cap(out) > 1<<20 {
		// The host reads before its next call, and nothing is allocated in between.
		output = nil
	}
}

// replyPanic answers a panic of the interpreter. An allocation beyond the address space has no type of its own
// in Go: it is a runtime error that speaks of makeslice.
func replyPanic(cause interface{}) {
	message := "the interpreter failed"
	if err, ok := cause.(error); ok {
		message = err.Error()
	} else if text, ok := cause.(string); ok {
		message = text
	}
	if strings.Contains(message, "makeslice") || strings.Contains(message, "too large") {
		reply(statusLimit, []byte(memoryMessage))
		return
	}
	reply(statusFailed, []byte("internal error: "+message))
}

func reserve(size int) {
	if size > len(input) || len(input) > 1<<20 {
		input = make([]byte, size)
	}
	header[wordInput] = uint32(uintptr(unsafe.Pointer(&input[0])))
	header[wordInputCapacity] = uint32(len(input))
}
