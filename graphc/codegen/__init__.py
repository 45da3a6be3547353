"""Kernels as data, the kernel vocabulary and its plain-Python meaning."""
