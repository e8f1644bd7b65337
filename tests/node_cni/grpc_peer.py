"""Debian's gRPC as the other side of the CNI service: `call SOCKET` makes the calls that are on standard input, all at
once, one "PATH HEX" a line, and prints "OK HEX" or the status of each; `serve SOCKET HEX` answers one call with HEX,
after the request has been printed."""
import concurrent.futures
import sys

import grpc


def raw(message):
    return message


def call(socket):
    channel = grpc.insecure_channel("unix:" + socket)
    replies = []
    for line in sys.stdin:
        path, _, request = line.rstrip("\n").partition(" ")
        method = channel.unary_unary(path, request_serializer=raw, response_deserializer=raw)
        replies.append(method.future(bytes.fromhex(request), timeout=20))
    for reply in replies:
        print("OK " + reply.result().hex() if reply.exception() is None else reply.code().name + " " + reply.details())


class Answer(grpc.GenericRpcHandler):
    def __init__(self, reply, done):
        self.reply, self.done = reply, done

    def service(self, call_details):
        def answer(request, context):
            print(call_details.method, request.hex(), flush=True)
            self.done.set_result(None)
            return self.reply
        return grpc.unary_unary_rpc_method_handler(answer, request_deserializer=raw, response_serializer=raw)


def serve(socket, reply):
    done = concurrent.futures.Future()
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(1))
    server.add_generic_rpc_handlers((Answer(bytes.fromhex(reply), done),))
    server.add_insecure_port("unix:" + socket)
    server.start()
    done.result(timeout=20)
    server.stop(grace=5).wait()


if sys.argv[1] == "call":
    call(sys.argv[2])
else:
    serve(sys.argv[2], sys.argv[3])
