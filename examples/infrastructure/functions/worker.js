export const handler = async () => ({ from: 'this machine', name: process.env.NAME })
