module example.org/im/clients/go

go 1.19
