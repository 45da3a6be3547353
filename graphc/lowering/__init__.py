"""From fusion groups to kernels, launches and the memory plan."""
