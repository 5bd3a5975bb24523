"""The loopback interface of a network namespace of one's own: what goes over it is counted."""

import ctypes, fcntl, socket, struct, subprocess, sys

SIOCETHTOOL = 0x8946
GET_STRINGS, COUNT_STRINGS, SET_FEATURES = 0x1B, 0x37, 0x3B
FEATURES = 4


def up():
    """Brings the interface up. In a namespace that was just made there is nothing else on it."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def received(interface="lo"):
    """The bytes that an interface has received. Those of `lo` have IP headers: whoever sent them, each packet once."""
    with open("/proc/self/net/dev") as counters:
        line = next(line for line in counters if line.strip().startswith(f"{interface}:"))
    return int(line.split(":")[1].split()[0])


class Packets:
    """While it is entered, the interface gets each packet by itself, as a wire would.

    Else dozens of UDP packets cross it as one, with one header: that is what time is measured with, but too few bytes.
    """

    def __enter__(self):
        segmentation(False)

    def __exit__(self, *_):
        segmentation(True)


class Island:
    """Another namespace, with a cable to this one: what is run in it with `enter` before its command has no other way out."""

    HERE, THERE = "10.77.0.1", "10.77.0.2"

    def __init__(self):
        self.child = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec sleep infinity"], stdout=subprocess.PIPE)
        self.child.stdout.readline()
        self.enter = ["nsenter", f"--net=/proc/{self.child.pid}/ns/net"]
        ip = lambda *arguments, enter=(): subprocess.run([*enter, "ip", *arguments], check=True)
        ip("link", "add", "cable", "type", "veth", "peer", "name", "end", "netns", str(self.child.pid))
        for enter, name, address in ((), "cable", self.HERE), (self.enter, "end", self.THERE):
            ip("addr", "add", f"{address}/24", "dev", name, enter=enter)
            ip("link", "set", name, "up", enter=enter)
            ip("route", "add", "224.0.0.0/4", "dev", name, enter=enter)
        ip("link", "set", "lo", "up", enter=self.enter)
        # Else packets are counted that came out of the island as one.
        subprocess.run([*self.enter, sys.executable, __file__, "end"], check=True)

    def sent(self):
        """The bytes that came out of it, with all their headers."""
        return received("cable")

    def stop(self):
        self.child.kill()
        self.child.wait()


def segmentation(on, interface="lo"):
    """Whether UDP packets that were sent in one go cross the interface in one go (`tx-udp-segmentation` of ethtool)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:

        def call(data):
            fcntl.ioctl(any_socket, SIOCETHTOOL, struct.pack("16sQ16x", interface.encode(), ctypes.addressof(data)))
            return data.raw

        count = struct.unpack_from("I", call(ctypes.create_string_buffer(struct.pack("IIQI", COUNT_STRINGS, 0, 1 << FEATURES, 0), 24)), 16)[0]
        names = call(ctypes.create_string_buffer(struct.pack("III", GET_STRINGS, FEATURES, count), 12 + 32 * count))[12:]
        names = [names[32 * n : 32 * n + 32].split(b"\0")[0] for n in range(count)]
        bit = names.index(b"tx-udp-segmentation")
        words = [0] * (2 * ((count + 31) // 32))
        # A mask of what is to be set, and to what.
        words[2 * (bit // 32)] = 1 << bit % 32
        words[2 * (bit // 32) + 1] = int(on) << bit % 32
        call(ctypes.create_string_buffer(struct.pack(f"II{len(words)}I", SET_FEATURES, len(words) // 2, *words)))


if __name__ == "__main__":
    segmentation(False, sys.argv[1])
