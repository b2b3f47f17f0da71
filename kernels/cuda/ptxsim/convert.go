package ptxsim

var convertOps = map[string]func(*build) exec{}
