"""The CPU: Numba types the kernels, LLVM compiles them, a native walk runs them.

Target half: ``compile`` (Kernel to object code), ``words`` and ``vector_math`` (the vocabulary),
``refs`` (operands), ``numba_api`` (Numba's front end), ``llvm_target`` (IR to object code),
``fingerprint`` (what an object depends on).  Importing this package loads none of them.
"""
