module signalbox/starlark

go 1.19

// The commit that Debian ships as golang-starlark-dev 0.0~git20210122.f935de8. The build resolves the
// revision in a scratch copy of this folder, so this file keeps naming the commit itself.
require go.starlark.net f935de8
