"""ipykernel without its two connections to itself, which a sealed process may not make."""

import sys

import zmq
from ipykernel.control import ControlThread
from ipykernel.iostream import IOPubThread
from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp
from ipykernel.shellchannel import ShellChannelThread


class SealedKernel(IPythonKernel):
    """A kernel that leaves its children to its keeper: it cannot see processes, nor need it."""

    def _process_children(self) -> list:
        return []


class SealedApp(IPKernelApp):
    """An IPython kernel that only binds: no pipe over TCP for forked children's output, no debugger."""

    kernel_class = SealedKernel

    def init_path(self) -> None:
        """Import what lies beside the notebook, as any kernel does; the zygote's own -P is not for it."""
        places = [i for i, path in enumerate(sys.path) if path.endswith(("site-packages", "dist-packages"))]
        sys.path.insert(places[0] if places else 0, "")

    def init_control(self, context) -> None:
        """Bind the control channel; leave the debugger's sockets unconnected."""
        self.control_socket = context.socket(zmq.ROUTER)
        self.control_socket.linger = 1000
        self.control_port = self._bind_socket(self.control_socket, self.control_port)
        self.control_socket.router_handover = 1
        self.debugpy_socket = context.socket(zmq.STREAM)
        self.debug_shell_socket = context.socket(zmq.DEALER)
        self.control_thread = ControlThread(daemon=True)
        self.shell_channel_thread = ShellChannelThread(context, daemon=True)

    def init_iopub(self, context) -> None:
        """Bind the channel of outputs."""
        self.iopub_socket = context.socket(zmq.XPUB)
        self.iopub_socket.linger = 1000
        self.iopub_port = self._bind_socket(self.iopub_socket, self.iopub_port)
        self.configure_tornado_logger()
        self.iopub_thread = IOPubThread(self.iopub_socket, pipe=False, session=self.session)
        self.iopub_thread.start()
        self.iopub_socket = self.iopub_thread.background_socket


def run(arguments: list[str]) -> None:
    """Serve until told to stop."""
    app = SealedApp.instance(parent_handle=1)  # the keeper watches over it, and no thread need poll
    app.initialize(arguments)
    app.start()
