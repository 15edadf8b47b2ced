#!/usr/bin/python3
"""A server that sshd cannot be: passwords, questions, short answers.

    odd_server.py DIR WAY

WAY is password, question, otp or short.  It serves DIR/root on a free loopback port as user
"pat" with password "open sesame", takes DIR/user_ed25519.pub as a key where the way says so, writes
"PORT SHA256:FINGERPRINT" to DIR/odd.env and its process id to DIR/odd.pid, and ends after 60 seconds.
"""
import asyncio
import os
import sys

import asyncssh

FOLDER, WAY = sys.argv[1], sys.argv[2]


class Server(asyncssh.SSHServer):
    def public_key_auth_supported(self):
        return WAY == 'short'

    def validate_public_key(self, username, key):
        known = asyncssh.read_public_key(FOLDER + '/user_ed25519.pub')
        return username == 'pat' and key.public_data == known.public_data

    def password_auth_supported(self):
        return WAY == 'password'

    def validate_password(self, username, password):
        return username == 'pat' and password == 'open sesame'

    def kbdint_auth_supported(self):
        return WAY in ('question', 'otp')

    def get_kbdint_challenge(self, username, lang, submethods):
        if WAY == 'otp':
            return '', '', '', [('Password: ', False), ('One-time code: ', True)]
        return '', '', '', [('Password: ', False)]

    def validate_kbdint_response(self, username, responses):
        return username == 'pat' and list(responses) == ['open sesame']


class Files(asyncssh.SFTPServer):
    def __init__(self, chan):
        super().__init__(chan, chroot=FOLDER + '/root')

    def read(self, file_obj, offset, size):
        return super().read(file_obj, offset, min(size, 16384) if WAY == 'short' else size)


async def main():
    key = asyncssh.generate_private_key('ssh-ed25519')
    server = await asyncssh.create_server(Server, '127.0.0.1', 0, server_host_keys=[key],
                                          sftp_factory=Files)
    with open(FOLDER + '/odd.pid', 'w') as f:
        f.write(str(os.getpid()))
    with open(FOLDER + '/odd.new', 'w') as f:
        f.write('%d %s\n' % (server.sockets[0].getsockname()[1], key.get_fingerprint('sha256')))
    os.rename(FOLDER + '/odd.new', FOLDER + '/odd.env')
    await asyncio.sleep(60)


asyncio.run(main())
