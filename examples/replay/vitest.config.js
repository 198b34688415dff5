export default { test: { include: ['out/*.test.js'] } }
