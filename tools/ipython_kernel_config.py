"""Quiet kernels: set-up copies this file into the IPython profile of the virtual environment."""

c = get_config()  # noqa: F821

# TensorFlow's C++ code writes start-up lines to file descriptor 2: they belong in the terminal, not on the pages.
c.IPKernelApp.capture_fd_output = False

# ipykernel warns at every start that it listens on a local port; its errors are still shown.
c.IPKernelApp.log_level = 40
