// Package ptxsim runs PTX, the assembly language of NVIDIA GPUs, on the CPU, and
// checks what it runs.
package ptxsim
