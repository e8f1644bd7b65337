"""Asks the DNS server at ADDRESS for NAME, by UDP or TCP, and connects to the answer at once: a lost first packet fails."""
import socket
import struct
import sys

address, name, transport = sys.argv[1:]
query = struct.pack(">HHHHHH", 77, 0x100, 1, 0, 0, 0)
query += b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0" + struct.pack(">HH", 1, 1)
if transport == "udp":
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.settimeout(3)
    server.sendto(query, (address, 53))
    answer = server.recv(512)
else:
    server = socket.create_connection((address, 53), 3)
    server.sendall(struct.pack(">H", len(query)) + query)
    answer = server.recv(512)[2:]
found = socket.inet_ntoa(answer[-4:])
socket.create_connection((found, 80), 0.5).close()  # less than the time to a second SYN
print("connected to", found)
