/** Injection token of the validated options, with every default filled in. @internal */
export const AUTHKIT_OPTIONS = Symbol('AUTHKIT_OPTIONS');

/** Injection token of the function that tells who is asking. @internal */
export const AUTHKIT_IDENTITY_EXTRACTOR = Symbol('AUTHKIT_IDENTITY_EXTRACTOR');

/** Injection token of the controller classes that one registration mounts, or `undefined`. @internal */
export const AUTHKIT_CONTROLLERS = Symbol('AUTHKIT_CONTROLLERS');

/** Injection token of the audience of a registration's grants. @internal */
export const AUTHKIT_GRANT_AUDIENCE = Symbol('AUTHKIT_GRANT_AUDIENCE');

/** Injection token of what signs and verifies grants, or `undefined` without a `grant` option. @internal */
export const AUTHKIT_GRANT_JWT = Symbol('AUTHKIT_GRANT_JWT');

/** Injection token of the memory of used grants. @internal */
export const AUTHKIT_SPENT_GRANTS = Symbol('AUTHKIT_SPENT_GRANTS');

/** Injection token of the cache's store, or `undefined` without a `cache` option. @internal */
export const AUTHKIT_CACHE = Symbol('AUTHKIT_CACHE');

/** The name that our log lines carry. @internal */
export const AUTHKIT_LOG_CONTEXT = 'AuthKit';

/** Where the token endpoint is, unless the registration says otherwise. @internal */
export const AUTHKIT_PATH = 'authkit-token';
