#!/usr/bin/python3
"""A server that wants two proofs in a row: a key, then what is not in the key file.

    two_factors.py DIR WAY

WAY is two-password or two-question: the second proof is the password "open sesame", asked for as such or as a question.
It serves an empty folder on a free loopback port to user "pat" with DIR/user_ed25519.pub, and is found and ended as
odd_server.py is.
"""
import os
import signal
import socket
import sys
import threading

import paramiko

FOLDER, WAY = sys.argv[1], sys.argv[2]
SECOND = {"two-password": "password", "two-question": "keyboard-interactive"}[WAY]


class Server(paramiko.ServerInterface):
    has_key = False

    def get_allowed_auths(self, username):
        return SECOND if self.has_key else "publickey"

    def check_auth_publickey(self, username, key):
        with open(FOLDER + "/user_ed25519.pub", encoding="ascii") as file:
            known = file.read().split()[1]
        if username != "pat" or key.get_base64() != known:
            return paramiko.AUTH_FAILED
        self.has_key = True
        return paramiko.AUTH_PARTIALLY_SUCCESSFUL

    def second(self, answers):
        is_right = self.has_key and list(answers) == ["open sesame"]
        return paramiko.AUTH_SUCCESSFUL if is_right else paramiko.AUTH_FAILED

    def check_auth_password(self, username, password):
        return self.second([password]) if SECOND == "password" else paramiko.AUTH_FAILED

    def check_auth_interactive(self, username, submethods):
        if SECOND == "password" or not self.has_key:
            return paramiko.AUTH_FAILED
        return paramiko.InteractiveQuery("", "", ("Password: ", False))

    def check_auth_interactive_response(self, responses):
        return self.second(responses)

    def check_channel_request(self, kind, chanid):
        return paramiko.OPEN_SUCCEEDED


class Files(paramiko.SFTPServerInterface):
    def list_folder(self, path):
        return []

    def stat(self, path):
        attributes = paramiko.SFTPAttributes()
        attributes.st_mode = 0o40755
        return attributes

    lstat = stat


def serve(client, key):
    transport = paramiko.Transport(client)
    transport.add_server_key(key)
    transport.set_subsystem_handler("sftp", paramiko.SFTPServer, Files)
    transport.start_server(event=threading.Event(), server=Server())


def main():
    signal.alarm(60)
    key = paramiko.ECDSAKey.generate()
    listener = socket.create_server(("127.0.0.1", 0))
    pin = os.popen("ssh-keygen -lf /dev/stdin <<END\n%s %s\nEND" % (key.get_name(), key.get_base64())).read().split()[1]
    with open(FOLDER + "/odd.pid", "w", encoding="ascii") as file:
        file.write(str(os.getpid()))
    with open(FOLDER + "/odd.new", "w", encoding="ascii") as file:
        file.write("%d %s\n" % (listener.getsockname()[1], pin))
    os.rename(FOLDER + "/odd.new", FOLDER + "/odd.env")
    while True:
        serve(listener.accept()[0], key)


main()
