export const handler = async () => ({
  from: 'this machine',
  name: process.env.NAME,
  orders: process.env.ORDERS ?? 'none',
})
