declare const IM_SDK_VERSION: string | undefined;

/** What `hello` calls this client; the build fills the version in. */
export const CLIENT_NAME = `im-js/${typeof IM_SDK_VERSION === 'string' ? IM_SDK_VERSION : 'source'}`;
