import type { Route } from './route.js';

/** What the account may do. */
export const flagsRoute: Route = {
  method: 'GET',
  path: '/v1/users/flags',
  answer: ({ account }) => ({
    status: 200,
    body: {
      accessList: [],
      authkitWhitelist: account.whiteLabel,
      earlyAccess: false,
      completedQuickstart: true,
    },
  }),
};
