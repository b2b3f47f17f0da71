#!/bin/sh
# Makes the cuda.h that the CUDA build needs, without a CUDA toolkit: the Go module
# gorgonia.org/cu carries the declarations of the CUDA 11.0 driver API as its own
# generator saw them. They lack what the preprocessor took away: the names under which
# the driver exports the 64-bit forms of calls that once were 32-bit (cuMemAlloc is
# cuMemAlloc_v2), and a few constants.
#
# usage: scripts/cuda-header.sh DIR      writes DIR/cuda.h
set -eu
dir=${1:?usage: $0 DIR}
module=$(go list -m -f '{{.Dir}}' gorgonia.org/cu)
[ -n "$module" ] || { go mod download gorgonia.org/cu && module=$(go list -m -f '{{.Dir}}' gorgonia.org/cu); }
source=$module/cmd/genlib/cuda.h
[ -f "$source" ] || { echo "$0: no $source; is gorgonia.org/cu in go.mod?" >&2; exit 1; }

# The calls that have a second version in CUDA 11.0.
second='
	Array3DCreate Array3DGetDescriptor ArrayCreate ArrayGetDescriptor
	CtxCreate CtxDestroy CtxPopCurrent CtxPushCurrent
	DevicePrimaryCtxRelease DevicePrimaryCtxReset DevicePrimaryCtxSetFlags DeviceTotalMem EventDestroy
	GraphInstantiate LinkAddData LinkAddFile LinkCreate
	MemAlloc MemAllocHost MemAllocPitch MemFree MemGetAddressRange MemGetInfo MemHostGetDevicePointer MemHostRegister
	Memcpy2D Memcpy2DAsync Memcpy2DUnaligned Memcpy3D Memcpy3DAsync
	MemcpyAtoA MemcpyAtoD MemcpyAtoH MemcpyAtoHAsync MemcpyDtoA MemcpyDtoD MemcpyDtoDAsync
	MemcpyDtoH MemcpyDtoHAsync MemcpyHtoA MemcpyHtoAAsync MemcpyHtoD MemcpyHtoDAsync
	MemsetD16 MemsetD2D16 MemsetD2D32 MemsetD2D8 MemsetD32 MemsetD8
	ModuleGetGlobal StreamBeginCapture StreamDestroy TexRefGetAddress TexRefSetAddress'

mkdir -p "$dir"
{
	echo '// Made by scripts/cuda-header.sh from gorgonia.org/cu/cmd/genlib/cuda.h.'
	echo '#ifndef GRADGRAD_CUDA_H'
	echo '#define GRADGRAD_CUDA_H'
	echo '#include <stdint.h>'
	echo '#include <stdlib.h>'
	echo '#define CUDA_VERSION 11000'
	echo '#define CU_TRSF_READ_AS_INTEGER 1'
	echo '#define CU_TRSF_NORMALIZED_COORDINATES 2'
	for call in $second; do echo "#define cu$call cu${call}_v2"; done
	echo '#define cuTexRefSetAddress2D cuTexRefSetAddress2D_v3'
	# What stands above is the C library as the generator's machine had it.
	sed -n '/^typedef uint32_t cuuint32_t;/,$p' "$source"
	echo '#endif'
} > "$dir/cuda.h.tmp"
mv "$dir/cuda.h.tmp" "$dir/cuda.h"
