/*
 * The ciphers of SSH made fast for libssh2, which calls them for 16 bytes at a time: a call of
 * libcrypto costs many times the work on 16 bytes.
 */
#ifndef RT_REMOTE_SFTP_CIPHER_H
#define RT_REMOTE_SFTP_CIPHER_H

/* From now on libcrypto's AES-CTR ciphers, in this process, make their key stream in long pieces.
 * Where that cannot be, all stays as it was: only slower.  Before the first session. */
void rt_sftp_cipher_install(void);

#endif
