/** A web page may make a browser ask 127.0.0.1 under a host name of its own choosing (DNS rebinding); such a request is not ours. */
const ours = /^(127\.0\.0\.1|localhost)(:\d+)?$/;

/** `host` is the Host header. */
export const namesThisMachine = (host: string | undefined): boolean => host !== undefined && ours.test(host);
